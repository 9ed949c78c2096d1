#!/usr/bin/env bash
# What each role may do on the Kafka cluster, as commands of Kafka's own kafka-acls.sh. Prints them; nothing is changed
# unless they are piped to a shell:
#
#   deploy/kafka-acls.sh --prefix tropa --sources web,crm --groups tropa-web,tropa-crm | sh -
#
# KAFKA_ACLS names the tool with its connection (default: `kafka-acls.sh --bootstrap-server localhost:9092`). Principals
# are User:<prefix>-<role>; the one process (`tropa run` without a role) is User:<prefix>.
set -euo pipefail
prefix=tropa sources="" groups=""
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) prefix="$2"; shift 2 ;;
    --sources) sources="$2"; shift 2 ;;
    --groups) groups="$2"; shift 2 ;;
    *) echo "usage: $0 [--prefix tropa] --sources TOPIC,… --groups GROUP,…" >&2; exit 2 ;;
  esac
done
[ -n "$sources" ] && [ -n "$groups" ] || { echo "name the topics that are read (--sources) and their groups (--groups)" >&2; exit 2; }
tool="${KAFKA_ACLS:-kafka-acls.sh --bootstrap-server localhost:9092}"

allow() { # principal, operations, resource…
  local principal="User:$1" operations="" operation; shift
  for operation in ${1//,/ }; do operations="$operations --operation $operation"; done
  shift
  echo "$tool --add --allow-principal '$principal'$operations $*"
}
topics_read() { local t; for t in ${2//,/ }; do allow "$1" Read,Describe "--topic '$t'"; done; }
topics_write() { local t; for t in ${2//,/ }; do allow "$1" Write,Describe "--topic '$t'"; done; }
groups_join() { local g; for g in ${2//,/ }; do allow "$1" Read,Describe "--group '$g'"; done; }
# An idempotent producer; the right to write implies it since Kafka 2.8, older brokers ask for it.
producer() { allow "$1" IdempotentWrite --cluster; }

echo "# the one process: reads the sources, writes dead letters and what is replayed"
topics_read "$prefix" "$sources,$prefix.retry"
topics_write "$prefix" "$prefix.dead-letters,$prefix.retry"
groups_join "$prefix" "$groups"
producer "$prefix"

# Every role looks at the start whether the internal topics are as the config says.
look() { local t; for t in identity customers; do allow "$1" Describe "--topic '$prefix.$t'"; done; }

echo "# ingest: reads the sources, announces to identity, writes dead letters"
look "$prefix-ingest"
topics_read "$prefix-ingest" "$sources,$prefix.retry"
topics_write "$prefix-ingest" "$prefix.identity,$prefix.dead-letters"
groups_join "$prefix-ingest" "$groups"
producer "$prefix-ingest"

echo "# identity: reads what was announced, announces customers, looks how far their owners have come"
look "$prefix-identity"
topics_read "$prefix-identity" "$prefix.identity"
topics_write "$prefix-identity" "$prefix.customers"
groups_join "$prefix-identity" "$prefix.writer"
allow "$prefix-identity" Describe "--group '$prefix.journeys'"
producer "$prefix-identity"

echo "# journeys: reads customers"
look "$prefix-journeys"
topics_read "$prefix-journeys" "$prefix.customers"
groups_join "$prefix-journeys" "$prefix.journeys"

echo "# replay of dead letters: through a topic of our own, never through the one that others read"
topics_read "$prefix-operator" "$prefix.dead-letters"
topics_write "$prefix-operator" "$prefix.retry"
producer "$prefix-operator"

echo "# migrate: creates the internal topics and checks their settings"
for topic in identity customers retry dead-letters; do
  allow "$prefix-migrate" Create,Describe,DescribeConfigs "--topic '$prefix.$topic'"
done

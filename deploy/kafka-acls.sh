#!/usr/bin/env bash
# What each role may do on the Kafka cluster, as commands of Kafka's own kafka-acls.sh. Prints them; nothing is changed
# unless they are piped to a shell:
#
#   deploy/kafka-acls.sh --prefix tropa --sources web,crm --groups tropa-web,tropa-crm | sh -
#
# --dead-letters and --retry name the topics of the sources' `dead_letters:` (`topic` and `retry`; without `retry` in the
# config it is the topic's name and `.retry`); default: PREFIX.dead-letters, PREFIX.dead-letters.retry. Topics and groups of
# customers carry a number once they are cut anew (`tropa migrate --partitions`), so rights to them are by prefix.
#
# KAFKA_ACLS names the tool with its connection (default: `kafka-acls.sh --bootstrap-server localhost:9092`). Principals
# are User:<prefix>-<role>; the one process (`tropa run` without a role) is User:<prefix>.
set -euo pipefail
prefix=tropa sources="" groups="" letters="" retry=""
while [ $# -gt 0 ]; do
  case "$1" in
    --prefix) prefix="$2"; shift 2 ;;
    --sources) sources="$2"; shift 2 ;;
    --groups) groups="$2"; shift 2 ;;
    --dead-letters) letters="$2"; shift 2 ;;
    --retry) retry="$2"; shift 2 ;;
    *) echo "usage: $0 [--prefix tropa] --sources TOPIC,… --groups GROUP,… [--dead-letters TOPIC,…] [--retry TOPIC,…]" >&2; exit 2 ;;
  esac
done
[ -n "$sources" ] && [ -n "$groups" ] || { echo "name the topics that are read (--sources) and their groups (--groups)" >&2; exit 2; }
letters="${letters:-$prefix.dead-letters}"
[ -n "$retry" ] || for letter in ${letters//,/ }; do retry="${retry:+$retry,}$letter.retry"; done
tool="${KAFKA_ACLS:-kafka-acls.sh --bootstrap-server localhost:9092}"

allow() { # principal, operations, resource…
  local principal="User:$1" operations="" operation; shift
  for operation in ${1//,/ }; do operations="$operations --operation $operation"; done
  shift
  echo "$tool --add --allow-principal '$principal'$operations $*"
}
topics_read() { local t; for t in ${2//,/ }; do allow "$1" Read,Describe "--topic '$t'"; done; }
topics_write() { local t; for t in ${2//,/ }; do allow "$1" Write,Describe "--topic '$t'"; done; }
# Topics and groups of every cut of the customers.
cuts() { allow "$1" "$2" "--$3 '$prefix.$4' --resource-pattern-type prefixed"; }
groups_join() { local g; for g in ${2//,/ }; do allow "$1" Read,Describe "--group '$g'"; done; }
# An idempotent producer; the right to write implies it since Kafka 2.8, older brokers ask for it.
producer() { allow "$1" IdempotentWrite --cluster; }

echo "# the one process: reads the sources, writes dead letters and what is replayed"
topics_read "$prefix" "$sources,$retry"
topics_write "$prefix" "$letters,$retry"
groups_join "$prefix" "$groups"
producer "$prefix"

# Every role looks at the start whether the internal topics are as the config says.
look() { allow "$1" Describe "--topic '$prefix.identity'"; cuts "$1" Describe topic customers; }

echo "# ingest: reads the sources, announces to identity, writes dead letters"
look "$prefix-ingest"
topics_read "$prefix-ingest" "$sources,$retry"
topics_write "$prefix-ingest" "$prefix.identity,$letters"
groups_join "$prefix-ingest" "$groups"
producer "$prefix-ingest"

# Whoever misses messages asks for them, through the topic of notices.
echo "# identity: reads what was announced, announces customers, looks how far their owners have come"
look "$prefix-identity"
topics_read "$prefix-identity" "$prefix.identity"
topics_write "$prefix-identity" "$prefix.identity"
cuts "$prefix-identity" Write,Describe topic customers
groups_join "$prefix-identity" "$prefix.writer"
cuts "$prefix-identity" Describe group journeys
producer "$prefix-identity"

echo "# journeys: reads customers"
look "$prefix-journeys"
cuts "$prefix-journeys" Read,Describe topic customers
topics_write "$prefix-journeys" "$prefix.identity"
cuts "$prefix-journeys" Read,Describe group journeys
producer "$prefix-journeys"

echo "# replay of dead letters: through a topic of our own, never through the one that others read"
topics_read "$prefix-operator" "$letters"
topics_write "$prefix-operator" "$retry"
producer "$prefix-operator"
echo "# commands that write look first whether somebody else does"
for group in "$prefix.writer" ${groups//,/ }; do allow "$prefix-operator" Describe "--group '$group'"; done
cuts "$prefix-operator" Describe group journeys
look "$prefix-operator"

echo "# migrate: creates the internal topics and checks their settings"
for topic in "$prefix.identity" ${retry//,/ } ${letters//,/ }; do
  allow "$prefix-migrate" Create,Describe,DescribeConfigs "--topic '$topic'"
done
cuts "$prefix-migrate" Create,Describe,DescribeConfigs topic customers

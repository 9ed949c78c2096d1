#!/usr/bin/env bash
# A real Apache Kafka broker on this machine, for tests and for trying things out: one node, KRaft, no ZooKeeper, no root.
#
#   kafka.sh setup                            fetch the jars (once, 43 MB)
#   kafka.sh start [DIR]                      start a broker that keeps its data in DIR; prints its address
#   kafka.sh stop [DIR]                       stop it (its data stays)
#   kafka.sh topic NAME PARTITIONS ...        create topics on the broker of $TROPA_KAFKA_DIR
#
# DIR (default: $TROPA_KAFKA_DIR, else ~/.local/state/tropa/kafka) holds server.properties, data/, broker.log, pid and
# address. A DIR that was used before is used again with the same ports, so a broker can go away and come back.
# TROPA_KAFKA_PORT asks for a port instead of any free one. TROPA_KAFKA_TLS=1 adds a listener with TLS and SCRAM-SHA-512
# for `localhost`, whose address stands in tls/address and whose CA, made with openssl, in tls/ca.pem; user `tropa`
# (password `tropa-secret`) may do everything there, user `guest` (`guest-secret`) nothing. Needs a JDK 17 or later, Maven
# and Python 3.
set -euo pipefail

version=4.3.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lib=${XDG_CACHE_HOME:-$HOME/.cache}/tropa/kafka-$version
default_dir=${TROPA_KAFKA_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/tropa/kafka}

say() { printf 'kafka: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null || die "\`$1\` is not installed; $2"; }

setup() {
  need java "install a JDK, 17 or later"
  [ -d "$lib" ] && return
  need mvn "install Maven"
  say "fetching Apache Kafka $version into $lib (43 MB, once)"
  mkdir -p "$(dirname "$lib")"
  # Into a folder of its own first: a broken download leaves nothing behind, and two set-ups at once do no harm.
  local fresh
  fresh=$(mktemp -d "$lib.XXXXXX")
  if ! mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh" >&2; then
    rm -rf "$fresh"
    die "the jars could not be fetched; is the network reachable?"
  fi
  chmod 755 "$fresh"
  mv -T "$fresh" "$lib" 2>/dev/null || rm -rf "$fresh"
  [ -d "$lib" ] || die "$lib could not be created"
}

# Three ports that nobody listens on now, all held open until all are known.
free_ports() {
  need python3 "install Python 3"
  python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(3)]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
PY
}

# The broker of DIR, if it runs: the process must be ours, for a pid may have been given to another one since.
running() {
  local pid
  [ -s "$1/pid" ] && pid=$(cat "$1/pid") && ps -p "$pid" -o args= 2>/dev/null | grep -qF "$1/server.properties"
}

# A CA, and a certificate of it for `localhost`; another CA that knows nothing of the broker.
certificates() {
  need openssl "install OpenSSL"
  local dir=$1 ca
  mkdir -p "$dir"
  for ca in ca other-ca; do
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=tropa test $ca" -keyout "$dir/$ca.key" -out "$dir/$ca.pem" 2>/dev/null
  done
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout "$dir/broker.key" -out "$dir/broker.csr" 2>/dev/null
  printf 'subjectAltName=DNS:localhost\n' >"$dir/broker.ext"
  openssl x509 -req -days 30 -in "$dir/broker.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial \
    -extfile "$dir/broker.ext" -out "$dir/broker.crt" 2>/dev/null
  openssl pkcs8 -topk8 -nocrypt -in "$dir/broker.key" -out "$dir/broker.p8"
  cat "$dir/broker.p8" "$dir/broker.crt" "$dir/ca.pem" >"$dir/broker.pem"
}

configure() {
  local dir=$1 port controller tls users=() listener='' advertised='' protocols='' more=''
  read -r port controller tls < <(free_ports)
  port=${TROPA_KAFKA_PORT:-$port}
  if [ -n "${TROPA_KAFKA_TLS:-}" ]; then
    certificates "$dir/tls"
    printf 'localhost:%s\n' "$tls" >"$dir/tls/address"
    listener=",SECURE://127.0.0.1:$tls" advertised=",SECURE://localhost:$tls" protocols=",SECURE:SASL_SSL"
    users=(--add-scram 'SCRAM-SHA-512=[name=tropa,password=tropa-secret]'
      --add-scram 'SCRAM-SHA-512=[name=guest,password=guest-secret]')
    more="sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=$dir/tls/broker.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:tropa"
  fi
  cat >"$dir/server.properties" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller$listener
advertised.listeners=PLAINTEXT://127.0.0.1:$port$advertised
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$protocols
log.dirs=$dir/data
# One node holds everything once, and keeps it: test data may be years old.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.retention.ms=-1
auto.create.topics.enable=false
# Groups form at once, and a consumer that was killed is missed soon.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=300
$more
EOF
  printf '127.0.0.1:%s\n' "$port" >"$dir/address"
  local id
  id=$(java -XX:TieredStopAtLevel=1 -cp "$lib/*" kafka.tools.StorageTool random-uuid 2>/dev/null)
  java -XX:TieredStopAtLevel=1 -cp "$lib/*" kafka.tools.StorageTool format -t "$id" -c "$dir/server.properties" \
    ${users[@]+"${users[@]}"} >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; rm -f "$dir/server.properties"; die "the data folder could not be formatted"; }
}

start() {
  local dir=$1
  setup
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  if running "$dir"; then
    say "already running (process $(cat "$dir/pid"))"
    cat "$dir/address"
    return
  fi
  [ -f "$dir/server.properties" ] || { say "formatting $dir"; configure "$dir"; }
  say "starting Apache Kafka $version on $(cat "$dir/address")"
  # Its own session: an interrupt at the terminal of whoever started it is not meant for the broker.
  setsid java ${TROPA_KAFKA_JVM:--Xmx512m -XX:+UseSerialGC} -cp "$lib/*" kafka.Kafka "$dir/server.properties" \
    >"$dir/broker.log" 2>&1 </dev/null &
  local pid=$!
  printf '%s\n' "$pid" >"$dir/pid"
  for _ in $(seq 600); do
    if grep -qF 'Kafka Server started' "$dir/broker.log"; then
      say "ready (process $pid, log $dir/broker.log)"
      cat "$dir/address"
      return
    fi
    kill -0 "$pid" 2>/dev/null || { tail -n 20 "$dir/broker.log" >&2; rm -f "$dir/pid"; die "the broker ended while starting; its last words are above"; }
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$dir/pid"
  die "the broker was not ready after 60 s; see $dir/broker.log"
}

stop() {
  local dir=$1 pid
  dir=$(cd "$dir" 2>/dev/null && pwd) || { say "nothing was ever started in $1"; return; }
  running "$dir" || { say "not running"; rm -f "$dir/pid"; return; }
  pid=$(cat "$dir/pid")
  kill -TERM "$pid"
  for _ in $(seq 150); do
    kill -0 "$pid" 2>/dev/null || { rm -f "$dir/pid"; say "stopped"; return; }
    sleep 0.1
  done
  say "process $pid did not stop in 15 s: killing it"
  kill -KILL "$pid" 2>/dev/null || true
  rm -f "$dir/pid"
}

topic() {
  [ $# -ge 2 ] && [ $(($# % 2)) -eq 0 ] || die "usage: kafka.sh topic NAME PARTITIONS [NAME PARTITIONS]..."
  setup
  running "$default_dir" || die "no broker runs in $default_dir; start it with \`kafka.sh start\`, or name its folder in TROPA_KAFKA_DIR"
  java -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$lib/*" "$here/CreateTopics.java" "$(cat "$default_dir/address")" "$@"
}

case "${1:-}" in
  setup) setup ;;
  start) start "${2:-$default_dir}" ;;
  stop) stop "${2:-$default_dir}" ;;
  topic) shift; topic "$@" ;;
  *) sed -n '2,15s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
esac

#!/usr/bin/env bash
# Installs what `make demo` or `make test` needs, once; says what it is doing; doing it again changes nothing.
set -euo pipefail
what="${1:?usage: deploy/setup.sh demo|test}"
here="$(cd "$(dirname "$0")" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tropa"
mkdir -p "$cache"

say() { echo "· $*"; }

# A C compiler, make and perl build the Kafka client with its TLS library.
need_packages() {
  local missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_packages() {
  say "installing Debian packages: $*"
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo="sudo"
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

need_program() {
  command -v "$1" >/dev/null 2>&1 || { echo "tropa needs $2: install it and try again" >&2; exit 1; }
}

need_packages cc:build-essential make:make perl:perl
need_program cargo "Rust 1.95 or newer (rustup)"
need_program npm "Node.js with npm (the embedded engine is an npm package)"
"$here/engine/fetch.sh"

if [ "$what" = test ]; then
  need_packages curl:curl openssl:openssl
  need_program python3 "Python 3.11 or newer"
  need_program java "JDK 17"
  need_program mvn "Maven"
  "$here/dev/kafka/kafka.sh" setup
  if [ ! -x "$cache/tools/bin/cargo-deny" ]; then
    say "building cargo-deny (licences and sources of dependencies); once, about three minutes"
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
      cargo install --quiet --locked --root "$cache/tools" cargo-deny@0.20.2
  fi
  if [ ! -x "$cache/tools/bin/promtool" ] && command -v apt-get >/dev/null 2>&1; then
    say "fetching promtool (checks of the alert rules) out of Debian's package, without installing its service"
    fetched="$(mktemp -d)"
    if (cd "$fetched" && apt-get download -qq prometheus >/dev/null 2>&1) && dpkg-deb -x "$fetched"/prometheus_*.deb "$fetched/x"; then
      install -D -m 755 "$fetched/x/usr/bin/promtool" "$cache/tools/bin/promtool"
    else
      say "not to be had: its checks will say that they were not run"
    fi
    rm -rf "$fetched"
  fi
  if [ ! -d "$cache/node/node_modules/bpmn-moddle" ]; then
    say "installing bpmn-moddle (it opens exported BPMN in the tests)"
    npm install --silent --no-audit --no-fund --prefix "$cache/node" bpmn-moddle@10.3.1
  fi
  requirements="$here/../tests/requirements.txt"
  stamp="$cache/venv/.$(sha256sum "$requirements" | cut -c1-16)"
  if [ ! -e "$stamp" ]; then
    say "creating the Python environment of the tests in $cache/venv"
    python3 -m venv "$cache/venv" 2>/dev/null || { need_packages python3-venv:python3-venv; python3 -m venv "$cache/venv"; }
    "$cache/venv/bin/pip" install --quiet --requirement "$requirements"
    touch "$stamp"
  fi
  # By their versions in their own package.json, so that a new version here is a new one there.
  npm_has() { grep -qs "\"version\": \"$2\"" "$cache/node/node_modules/$1/package.json"; }
  if ! npm_has puppeteer-core 24.43.1 || ! npm_has axe-core 4.14.1; then
    say "installing puppeteer-core and axe-core (they open the report in Chromium and look for barriers)"
    npm install --silent --no-audit --no-fund --prefix "$cache/node" puppeteer-core@24.43.1 axe-core@4.14.1
  fi
  if ! command -v chromium >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    need_packages chromium:chromium || say "Chromium is not to be had: its checks will say that they were not run"
  fi
  # With the font that the program draws its pictures with, the browser must show the same.
  if command -v chromium >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 && ! dpkg -s fonts-dejavu-core >/dev/null 2>&1; then
    install_packages fonts-dejavu-core
  fi
fi

#!/bin/sh
# Fetches the embedded ClickHouse engine (libchdb) that `tropa` loads at run time.
#
# What goes in: npm and a network that reaches a package registry. What comes out: one library in
# ${XDG_CACHE_HOME:-$HOME/.cache}/tropa/engine-<version>/, checked against the SHA-256 below.
# Run it as often as you like: a library that is already there and whole is left alone.
# It never writes into this repository and never installs anything for the whole system.
#
#   deploy/engine/fetch.sh           fetch, if needed
#   deploy/engine/fetch.sh --path    say where the library stands, or would stand, and fetch nothing
set -eu

version=26.5.3
cache="${XDG_CACHE_HOME:-$HOME/.cache}/tropa/engine-$version"

# One line a platform: the npm package, the file in it, and the SHA-256 of that file. A platform without a hash is one
# nobody has checked yet: give the hash yourself in TROPA_ENGINE_SHA256, from a place you trust.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64)
    package=@chdb/lib-linux-x64-gnu library=libchdb.so
    sha256=4330da79405733f7572f27c1442f46c03a08301f00859dce0368645731b1e1dc ;;
  Linux-aarch64 | Linux-arm64) package=@chdb/lib-linux-arm64-gnu library=libchdb.so sha256= ;;
  Darwin-arm64) package=@chdb/lib-darwin-arm64 library=libchdb.so sha256= ;;
  Darwin-x86_64) package=@chdb/lib-darwin-x64 library=libchdb.so sha256= ;;
  *)
    echo "engine: no build of the engine for $(uname -s) on $(uname -m); there is one for Linux and macOS on x86_64 and arm64" >&2
    exit 1 ;;
esac
sha256="${TROPA_ENGINE_SHA256:-$sha256}"
target="$cache/$library"

if [ "${1:-}" = "--path" ]; then
  echo "$target"
  exit 0
fi

hash_of() {
  if command -v sha256sum >/dev/null 2>&1; then sha256sum "$1" | cut -d ' ' -f 1; else shasum -a 256 "$1" | cut -d ' ' -f 1; fi
}

if [ -z "$sha256" ]; then
  echo "engine: the hash of $package $version is not recorded here; set TROPA_ENGINE_SHA256 to the SHA-256 of its $library, from a place you trust, and run this again" >&2
  exit 1
fi

if [ -f "$target" ]; then
  if [ "$(hash_of "$target")" = "$sha256" ]; then
    echo "engine: $version is already in $target"
    exit 0
  fi
  echo "engine: $target is not the file it should be; fetching it again"
fi

if ! command -v npm >/dev/null 2>&1; then
  echo "engine: npm is needed to fetch $package and is not on the path; install Node.js, or put $library $version at $target by other means" >&2
  exit 1
fi

# Everything is prepared beside the target, so that the last step is a rename on one file system: a run that dies
# half-way leaves no half library behind.
mkdir -p "$cache"
work="$(mktemp -d "$cache/fetching.XXXXXX")"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

echo "engine: fetching $package $version with npm (about 160 MB)"
archive="$(cd "$work" && npm pack --silent "$package@$version")"

echo "engine: unpacking $library (about 530 MB)"
tar -xzf "$work/$archive" -C "$work" "package/$library"

echo "engine: checking its SHA-256"
found="$(hash_of "$work/package/$library")"
if [ "$found" != "$sha256" ]; then
  echo "engine: $library of $package $version has SHA-256 $found, and $sha256 was expected; nothing was installed" >&2
  exit 1
fi

mv -f "$work/package/$library" "$target"
echo "engine: $version is in $target"

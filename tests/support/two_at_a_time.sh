#!/bin/sh
# Runs test programs two at a time: while one waits for a broker or a disk, the other computes. In: names of tests, or none
# for all of them, those first that say soonest what is wrong. Out: how many tests of each passed, everything that one that
# fails has said; 1 if any failed.
set -u
first="messages architecture deploy laws_identity"

if [ "${1:-}" = --one ]; then
  said=$(mktemp) began=$(date +%s)
  cargo test --locked -q --test "$2" >"$said" 2>&1
  status=$?
  if [ $status -eq 0 ]; then
    printf '%s (%s s)\n%s\n' "$2" $(($(date +%s) - began)) "$(grep '^test result: ' "$said")"
  else
    cat "$said"
    echo "$2: FAILED"
  fi
  rm -f "$said"
  exit $status
fi

if [ $# -eq 0 ]; then
  set -- $first
  for test in tests/*.rs tests/*/main.rs; do
    name=${test#tests/} name=${name%.rs} name=${name%/main}
    case " $first " in *" $name "*) ;; *) set -- "$@" "$name" ;; esac
  done
fi
# Built at once, so that nobody waits for another's build.
cargo test --locked -q --no-run --tests || exit 1
printf '%s\n' "$@" | xargs -n 1 -P 2 sh "$0" --one

#!/bin/sh
# Where the stores and logs of tests lie: in memory where there is room for them, else where temporary files always do. No
# test asks what a power cut leaves; what a killed process leaves is the same in memory.
room() { df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }'; }
free() { awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo; }
if [ -z "${TMPDIR:-}" ] && [ "$(room)" -ge 8 ] 2>/dev/null && [ "$(free)" -ge 12 ]; then
  echo /dev/shm
else
  echo "${TMPDIR:-/tmp}"
fi

#!/usr/bin/env bash
# Makes the two fonts beside it again: DejaVu Sans of Debian's fonts-dejavu-core, cut down to the letters that pictures need.
# Needs `pip install fonttools==4.68.0`
set -euo pipefail
from="${1:?usage: make.sh FOLDER_OF_THE_WHOLE_FONTS}"
here="$(cd "$(dirname "$0")" && pwd)"
# Latin, Greek, Cyrillic; then punctuation, currencies, arrows, signs of numbers and of the legend.
letters="U+0020-007E,U+00A0-017F,U+0218-021B,U+0370-03FF,U+0400-04FF"
signs="U+2010-2027,U+202F,U+2030-203A,U+20A0-20BF,U+2116,U+2122,U+2190-2193,U+2205,U+2212,U+221E,U+2248,U+2260,U+2264,U+2265,U+25A0,U+25B2,U+25BC,U+25CF,U+2713,U+2715,U+2717"
for name in DejaVuSans DejaVuSans-Bold; do
  pyftsubset "$from/$name.ttf" --unicodes="$letters,$signs" --no-hinting --layout-features= \
    --drop-tables+=GSUB,GPOS,GDEF,kern,FFTM --name-IDs='*' --notdef-outline --no-recalc-timestamp \
    --output-file="$here/$name.ttf"
done

# 8. Speed: the tables of docs/performance.md.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

step bench 8 15 alone
if [ -z "$tiny" ]; then table "$OUT/bench/table.txt" tools/bench 3 2
else table "$OUT/bench/table.txt" "$BIN/train" --version; fi

# 7. Known answers: how often each check finds what was planted, and how often it accuses what is clean. The other
# checks (border.twin, subset.retrain) train networks: minutes for each case.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

for check in "${power_checks[@]}"; do
    time=3
    case $check in border.sufficiency* | region.map) time=14 ;; esac
    step "power_$check" 5 $time all
    table "$OUT/power_$check/table.txt" "$TOOLS/power" "$check" --sets "$power_sets" \
        --json "$OUT/power_$check/table.json" --threads 1
done

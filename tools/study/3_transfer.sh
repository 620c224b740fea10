# 3. Right answers on the best 5 % and 10 % of each picture's pixels: of the model that chose them (as soon as it has) and
# of others. Random pixels, as many, are in shown_MODEL.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

own() { # round model
    local percent
    step "own_$2" "$1" 1 all
    needs "sis_${2}_margin"
    for percent in 5 10; do
        accuracy_on "$OUT/own_$2/best_$percent" "$2" "masks:$OUT/sis_${2}_margin/masks.npz@$percent%"
    done
}

transfer() { # name round minutes search percent
    local model
    step "$1" "$2" "$3" all
    needs "$4"
    for model in "${judges[@]}"; do
        [ "sis_${model}_margin" = "$4" ] && continue # own_MODEL
        accuracy_on "$OUT/$1/$model" "$model" "masks:$OUT/$4/masks.npz@$5%"
    done
}

for model in "${single[@]}"; do own 2 "$model"; done
for model in "${ensembles[@]}"; do own 5 "$model"; done
for model in "${single[@]}" "${ensembles[@]}"; do
    for percent in 5 10; do
        transfer "transfer_${percent}_$model" $((percent > 5 ? 4 : 3)) 2 "sis_${model}_margin" $percent
    done
done
for model in resnet20_1 resnet20_dropout_1; do
    transfer "transfer_5_${model}_probability" 4 2 "sis_${model}_probability" 5
done

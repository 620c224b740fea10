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

# A step for each kind of models that are shown them, so that none waits for the trainings of another.
transfer() { # name round search percent
    local of model shown
    for of in "${shown_kinds[@]}"; do
        shown=()
        for model in $(models_of "$of"); do
            [ "sis_${model}_margin" = "$3" ] || shown+=("$model") # own_MODEL
        done
        [ ${#shown[@]} -gt 0 ] || continue
        step "$1_to_$of" "$2" 1 all
        needs "$3"
        for model in "${shown[@]}"; do
            accuracy_on "$OUT/$1_to_$of/$model" "$model" "masks:$OUT/$3/masks.npz@$4%"
        done
    done
}

for model in "${single[@]}"; do own 2 "$model"; done
for model in "${ensembles[@]}"; do own 5 "$model"; done
for model in "${single[@]}" "${ensembles[@]}"; do
    for percent in 5 10; do
        transfer "transfer_${percent}_$model" $((percent > 5 ? 4 : 3)) "sis_${model}_margin" $percent
    done
done
for model in resnet20_1 resnet20_dropout_1; do
    transfer "transfer_5_${model}_probability" 4 "sis_${model}_probability" 5
done

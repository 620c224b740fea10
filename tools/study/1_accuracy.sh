# 1. Accuracy of models trained on full pictures, with input dropout, of ensembles and of a distilled student.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

for seed in 1 2 3 4 5; do
    training "resnet20_$seed" $((seed > 3 ? 3 : 1)) 40 "$network" "$seed"
done
for seed in "${seeds[@]}"; do
    training "resnet20_dropout_$seed" 2 42 "$network_dropout" "$seed"
done

for members in 3 5; do
    step "resnet20_ensemble_$members" 3 1 one
    runs=()
    for ((member = 1; member <= members; member++)); do
        needs "resnet20_$member"
        runs+=("$OUT/resnet20_$member")
    done
    run tools/make-ensemble "$OUT/resnet20_ensemble_$members" "${runs[@]}"
done

# The teacher has the distilled models' seeds among its members: other seeds for them.
for seed in "${seeds[@]}"; do
    training "resnet20_distilled_$seed" $((seed > 1 ? 6 : 4)) 80 "$network" $((seed + 20)) \
        --teacher "$OUT/resnet20_ensemble_5"
    needs resnet20_ensemble_5
done

# Larger networks: 1.5 million pictures at about 54 and 73 a second of one thread, and the tests.
training resnet18_1 9 490 "$network_resnet18" 1
training vgg16_1 9 360 "$network_vgg16" 1

training resnet20_long_1 9 280 "$network" 1 --epochs "$long_epochs"
training resnet20_dropout_long_1 9 300 "$network_dropout" 1 --epochs "$long_epochs"

# Every model on whole pictures and on parts of them: sections 3 and 6 read these, too.
shown() { # model round minutes
    local view
    step "shown_$1" "$2" "$3" all
    for view in "${shown_views[@]}"; do
        accuracy_on "$OUT/shown_$1/$view" "$1" "${view_text[$view]}"
    done
}

for model in "${single[@]}"; do shown "$model" 2 1; done
for model in resnet20_4 resnet20_5; do shown "$model" 3 1; done
for model in "${ensembles[@]}"; do shown "$model" 3 4; done
for model in "${distilled[@]}"; do shown "$model" 6 1; done
for model in resnet20_long_1 resnet20_dropout_long_1; do shown "$model" 9 1; done
shown resnet18_1 9 6
shown vgg16_1 9 5

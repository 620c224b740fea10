# 2. Sufficient subsets: sizes, and where they lie.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

gradient=(--method gradient --per-step 8)

for seed in "${seeds[@]}"; do
    for model in "resnet20_$seed" "resnet20_dropout_$seed"; do
        search "sis_${model}_margin" 2 10 "$model" "${gradient[@]}"
    done
done
for model in "${distilled[@]}"; do
    search "sis_${model}_margin" 6 10 "$model" "${gradient[@]}"
done
for members in 3 5; do
    model=resnet20_ensemble_$members
    search "sis_${model}_margin" 5 $((14 * members)) "$model" "${gradient[@]}"
done
search sis_resnet18_1_margin 9 12 resnet18_1 "${gradient[@]}" --images "$images_large"
search sis_vgg16_1_margin 9 9 vgg16_1 "${gradient[@]}" --images "$images_large"

# Other searches, on the first test pictures: how much smaller are subsets found with more work?
screened=(--method screened --per-step 32 --candidates 16 --images "$images_screened")
exact=(--method backselect --images "$images_exact")
for model in "${single[@]}"; do
    late=$((${model##*_} > 1 ? 5 : 3))
    search "sis_${model}_k1" $late 8 "$model" --method gradient --per-step 1 --images "$images_k1"
    search "sis_${model}_screened" $late 9 "$model" "${screened[@]}"
done

# The same search with something else in the place of hidden pixels: input dropout trains with one fill, and a network
# that has learnt to see past it needs fewer pixels beside that one.
for model in "${single[@]}"; do
    for fill in black noise; do
        search "sis_${model}_$fill" 3 2 "$model" "${gradient[@]}" --baseline "$fill" --images "$images_k1"
    done
done
for model in resnet20_1 resnet20_dropout_1; do
    search "sis_${model}_exact" 8 200 "$model" "${exact[@]}"
done

# Ranked by probability, as published. Gradients of both point the same way (that of a probability is p (1 - p) times
# that of its margin), so one pair of such searches is enough to show it; where single pixels are tried, float32
# probabilities have ties.
for model in resnet20_1 resnet20_dropout_1; do
    search "sis_${model}_probability" 4 10 "$model" "${gradient[@]}" --rank probability
done
for model in "${single[@]}"; do
    search "sis_${model}_screened_probability" $((${model##*_} > 1 ? 5 : 3)) 9 "$model" "${screened[@]}" \
        --rank probability
done
search sis_resnet20_1_exact_probability 8 200 resnet20_1 "${exact[@]}" --rank probability

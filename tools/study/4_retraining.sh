# 4. Fresh models trained on 5 % of each picture's pixels: ranked ones (resnet20_1 chose), random ones, only the places
# of the ranked ones, these with their colours dealt out anew among them; and with a mask that stays while the picture is
# cropped and flipped (--mask-order after).
#
# shellcheck shell=bash disable=SC2154 # settings.sh

# One threshold is enough: the 5 % that are removed last are wanted, whatever they suffice for.
thresholds=0.99 search sis_resnet20_1_train 4 50 resnet20_1 --method gradient --per-step 8 --split train

# Other seeds than that of the model that chose the pixels: it would begin with its weights.
subset_training() { # name round seed view option...
    local name=$1 view=$4
    training "$name" "$2" 40 "$network" $((10 + $3)) --view "$view" "${@:5}"
}

ranked=$OUT/sis_resnet20_1_train/masks.npz,$OUT/sis_resnet20_1_margin/masks.npz@5%
for seed in "${seeds[@]}"; do
    late=$((seed > 1 ? 6 : 4))
    subset_training "subset_ranked_$seed" $late "$seed" "masks:$ranked"
    needs sis_resnet20_1_train sis_resnet20_1_margin
    subset_training "subset_random_$seed" $late "$seed" random:0.05
    subset_training "subset_places_$seed" $late "$seed" "mask-only:$ranked"
    needs sis_resnet20_1_train sis_resnet20_1_margin
    subset_training "subset_shuffled_$seed" $late "$seed" "shuffled:$ranked"
    needs sis_resnet20_1_train sis_resnet20_1_margin
    subset_training "subset_ranked_after_$seed" $((late + 1)) "$seed" "masks:$ranked" --mask-order after
    needs sis_resnet20_1_train sis_resnet20_1_margin
    subset_training "subset_random_after_$seed" $((late + 1)) "$seed" random:0.05 --mask-order after
done

# Masks of models that never saw the picture, and masks dealt out to other pictures.
step retrain 8 140 all
needs sis_resnet20_1_train sis_resnet20_1_margin
run "$BIN/validate" dataset "$descriptor" --policy tools/study/retrain.conf --full --cfg "$network" \
    --masks "$OUT/sis_resnet20_1_train" --masks "$OUT/sis_resnet20_1_margin" --out "$OUT/retrain" "${data[@]}" --threads 1

# 5. Do the mitigations help? Every model by the policy of a release, and each mitigation paired with the plain network.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

for model in "${single[@]}" "${ensembles[@]}" "${distilled[@]}" resnet18_1 vgg16_1; do
    case $model in
    resnet18_1 | vgg16_1) late=9 time=25 ;;
    *ensemble*) late=5 time=8 ;;
    *distilled*) late=6 time=2 ;;
    *) late=3 time=2 ;;
    esac
    step "model_$model" $late $time all
    needs "$model"
    run "$BIN/validate" model "$OUT/$model" --policy "$release" --out "$OUT/model_$model" "${data[@]}" --threads 1
done

compare() { # name round minutes baseline candidate
    step "$1" "$2" "$3" all
    needs "$4" "$5"
    run "$BIN/validate" compare "$OUT/$4" "$OUT/$5" --images "$images_compared" --out "$OUT/$1" "${data[@]}" --threads 1
}

for seed in "${seeds[@]}"; do
    compare "compare_plain_$seed" 3 6 "resnet20_$seed" "resnet20_$((seed % 3 + 1))" # the control
    compare "compare_dropout_$seed" 3 6 "resnet20_$seed" "resnet20_dropout_$seed"
    compare "compare_ensemble_3_$seed" 5 12 "resnet20_$seed" resnet20_ensemble_3
    compare "compare_ensemble_5_$seed" 5 18 "resnet20_$seed" resnet20_ensemble_5
    compare "compare_distilled_$seed" 6 6 "resnet20_$seed" "resnet20_distilled_$seed"
done

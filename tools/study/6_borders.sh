# 6. Borders: networks that see only a part of each picture, in training and in the test; and what validate dataset
# says of each set. Models of whole pictures, shown borders, are in shown_MODEL.
#
# shellcheck shell=bash disable=SC2154 # settings.sh

see() { # view; the option that shows it
    shown_option=()
    [ "$1" = whole ] || shown_option=(--view "${view_text[$1]}")
}

for seed in "${seeds[@]}"; do
    for view in whole border_1 border_4 ring_4_4 center_12 center_44 center_31; do
        see $view
        training "view_${view}_$seed" $((seed > 1 ? 7 : 4)) 14 "$network" "$seed" --epochs "$view_epochs" \
            "${shown_option[@]}"
    done
done

photos=tools/study/imagenette.cfg photo_data=(--data data/imagenette128) photo_views=(border_4 border_16 ring_16_16)
[ -z "$tiny" ] || photos=tools/study/tiny.cfg photo_data=() photo_views=(border_1 border_2 border_4)
for seed in "${seeds[@]}"; do
    for view in whole "${photo_views[@]}" center_12 center_44 center_31; do
        see "$view"
        cifar=("${data[@]}") data=("${photo_data[@]}")
        training "imagenette_${view}_$seed" $((seed > 1 ? 7 : 5)) 15 "$photos" "$seed" "${shown_option[@]}"
        data=("${cifar[@]}")
    done
done

judge() { # name minutes set option...
    step "dataset_$1" 1 "$2" all
    run "$BIN/validate" dataset "$3" --policy "$curation" --out "$OUT/dataset_$1" "${@:4}" --threads 1
}

if [ -z "$tiny" ]; then
    judge cifar10 1 datasets/cifar10.conf "${data[@]}"
    judge mnist 1 datasets/mnist.conf --data data/mnist
    judge imagenette128 2 datasets/imagenette.conf "${photo_data[@]}"
    judge imagenette224 1 data/imagenette224/val
else
    for name in cifar10 mnist imagenette128 imagenette224; do judge $name 1 "$descriptor"; done
fi

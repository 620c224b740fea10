# What the whole study shares: networks, data, sizes; and the words that its sections use. Sourced by tools/reproduce.
#
# shellcheck shell=bash disable=SC2034

network=cfg/resnet20.cfg
network_dropout=cfg/resnet20_dropout.cfg
network_resnet18=cfg/resnet18_cifar.cfg
network_vgg16=cfg/vgg16_cifar.cfg
descriptor=datasets/cifar10.conf
data=(--data data/cifar10)

seeds=(1 2 3)
thresholds=0.5,0.6,0.7,0.8,0.9,0.95,0.99
images_k1=1000 images_screened=500 images_exact=100 images_compared=200 images_large=1000
release=cfg/release.conf
curation=cfg/dataset.conf
long_epochs=200 view_epochs=10
power_sets=50
power_checks=(accuracy calibration sis.size subset.sufficiency border.share border.accuracy mask.only shuffled.values
    dilation rubbish baseline.sensitivity correct.vs.wrong wrong.class integrity class.balance duplicates.across
    duplicates.within duplicates.labels border.sufficiency@1 border.sufficiency@2 border.sufficiency@4 region.map
    property.leak@file property.leak@picture split.shift)

# Parts of a picture by their names in the results. A centre has as many pixels as the border, or ring, of that size.
declare -A view_text=(
    [whole]=whole [random_5]=random:0.05 [random_10]=random:0.1
    [border_1]=border:1 [border_2]=border:2 [border_4]=border:4 [ring_4_4]=ring:4@4
    [center_12]=center:0.12109375 [center_23]=center:0.234375 [center_44]=center:0.4375 [center_31]=center:0.3125
    [border_16]=border:16 [ring_16_16]=ring:16@16 # of 128 x 128 pixels what border_4 and ring_4_4 are of 32 x 32
)
shown_views=(whole random_5 random_10 border_1 border_2 border_4 ring_4_4 center_12 center_23 center_44 center_31)

# The same on pictures and networks so small that a training takes a second.
if [ -n "$tiny" ]; then
    network=tools/study/tiny.cfg
    network_dropout=tools/study/tiny_dropout.cfg
    network_resnet18=$network network_vgg16=$network
    descriptor=tools/study/tiny.conf
    data=()
    thresholds=0.3,0.5,0.9
    seeds=(1)
    images_k1=8 images_screened=6 images_exact=2 images_compared=12 images_large=8
    release=tools/study/tiny_release.conf
    curation=tools/study/tiny_dataset.conf
    long_epochs=3 view_epochs=1
    power_sets=2 power_checks=(class.balance)
    shown_views=(whole random_5 border_2)
    view_text[ring_4_4]=ring:2@2
fi

single=() # the models of one network each, of which there are three seeds
for seed in "${seeds[@]}"; do single+=("resnet20_$seed" "resnet20_dropout_$seed"); done
ensembles=(resnet20_ensemble_3 resnet20_ensemble_5)
distilled=()
for seed in "${seeds[@]}"; do distilled+=("resnet20_distilled_$seed"); done

# Who is shown the pixels that one of them chose: kinds of models, by the name that those of a kind begin with.
shown_kinds=(resnet20 resnet20_dropout "${ensembles[@]}")
[ -z "$tiny" ] || shown_kinds=(resnet20 resnet20_dropout)
models_of() { # kind
    case $1 in
    *_ensemble_*) echo "$1" ;;
    *) printf "$1_%s\n" "${seeds[@]}" ;;
    esac
}

# A training: its step is also its run directory.
training() { # name round minutes cfg seed option...
    local name=$1 cfg=$4 seed=$5
    step "$name" "$2" "$3" one
    shift 5
    run "$BIN/train" "$cfg" --seed "$seed" --out "$OUT/$name" "${data[@]}" --threads 1 "$@"
}

# Right answers of a model on a part of all test pictures.
accuracy_on() { # directory model view
    local view=()
    [ "$3" = whole ] || view=(--view "$3")
    needs "$2"
    run "$BIN/validate" model "$OUT/$2" --policy tools/study/accuracy.conf "${view[@]}" --out "$1" "${data[@]}" \
        --threads 1
}

# A search for subsets; options are those of validate sis.
search() { # name round minutes model option...
    local name=$1 model=$4
    step "$name" "$2" "$3" all
    needs "$model"
    shift 4
    run "$BIN/validate" sis "$OUT/$model" --out "$OUT/$name" --threshold "$thresholds" "$@" "${data[@]}" --threads 1
}

"""A network of cfg/ under PyTorch on the CPU: bench_torch.py WORK THREADS SECONDS [NETWORK [BATCH]] prints images per second.

ResNet-20 unless another is named (torch_models.py), batch 128 of random images, channels_last, batch norm as PyTorch runs it. train: forward, backward, SGD with Nesterov momentum;
logits: evaluation mode; gradient: of the margin with respect to the pixels in evaluation mode, without weight gradients;
sis: Batched Gradient as it is published, 128 steps of 8 pixels, with gradients for the mask and the weights, searched images;
backselect: exact search of one image as it is published, masked inputs made with NumPy 128 at a time, evaluated images."""
import sys
import time

import numpy
import torch
import torch.nn.functional as F
from torch_models import NETWORKS


def margin(z, t):
    others = z.scatter(1, t[:, None], float("-inf"))
    return (z.gather(1, t[:, None])[:, 0] - others.logsumexp(1)).sum()


def published_gradient(model, x, t):
    """One step after the other, as a generator of images searched (a step of 128 images is 1 of 128 steps of each)."""
    while True:
        removed = torch.zeros(len(x), 1, 32, 32, requires_grad=True)
        for _ in range(128):
            p = F.softmax(model((1 - removed) * x), dim=1)
            p.gather(1, t[:, None]).sum().backward()
            with torch.no_grad():
                score = removed.grad.masked_fill(removed.bool(), float("-inf")).flatten(1)
                removed.flatten(1).scatter_(1, score.topk(8).indices, 1.0)
                removed.grad.zero_()
            yield len(x) / 128


def published_backselect(model, x, t):
    """Batch after batch of candidates of the first image, as a generator of evaluated images."""
    image, baseline, kept = x[0].numpy(), numpy.zeros((1, 1, 1), "f"), numpy.ones((1024,), bool)
    while kept.any():
        values = []
        candidates = numpy.flatnonzero(kept)
        for at in range(0, len(candidates), 128):
            some = candidates[at : at + 128]
            masks = numpy.repeat(kept[None], len(some), 0)
            masks[numpy.arange(len(some)), some] = False
            inputs = numpy.where(masks.reshape(-1, 1, 32, 32), image, baseline)
            with torch.no_grad():
                values.append(F.softmax(model(torch.from_numpy(inputs)), dim=1)[:, t[0]].numpy())
            yield len(some)
        kept[candidates[numpy.concatenate(values).argmax()]] = False


def main():
    work, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network, side, classes = NETWORKS[sys.argv[4] if len(sys.argv) > 4 else "resnet20"]
    batch = int(sys.argv[5]) if len(sys.argv) > 5 else 128
    model = network().to(memory_format=torch.channels_last).train(work == "train")
    x = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    t = torch.randint(0, classes, (batch,))
    sgd = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    if work == "gradient":
        model.requires_grad_(False)
        x.requires_grad_(True)

    steps = {"sis": published_gradient, "backselect": published_backselect}.get(work)
    step = steps and steps(model, x, t)

    def once():
        if step:
            return next(step)
        if work == "train":
            sgd.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), t).backward()
            sgd.step()
        elif work == "logits":
            with torch.no_grad():
                model(x)
        else:
            torch.autograd.grad(margin(model(x), t), x)
        return len(x)

    once()
    once()
    start, images = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        images += once()
    print(f"{images / (time.monotonic() - start):.3f}")


main()

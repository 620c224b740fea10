"""ResNet-20 as in cfg/resnet20.cfg under PyTorch on the CPU: bench_torch.py WORK THREADS SECONDS prints images per second.

Batch 128 of random 32x32 images, channels_last, batch norm as PyTorch runs it. train: forward, backward, SGD with Nesterov momentum;
logits: evaluation mode; gradient: of the margin with respect to the pixels in evaluation mode, without weight gradients;
sis: Batched Gradient as it is published, 128 steps of 8 pixels, with gradients for the mask and the weights, searched images;
backselect: exact search of one image as it is published, masked inputs made with NumPy 128 at a time, evaluated images."""
import sys
import time

import numpy
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.stride, self.new = stride, c_out - c_in

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.new:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        widths = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nn.Sequential(*[Block(*w) for w in widths])
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.bn(self.conv(x)))).mean((2, 3)))


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
    model = ResNet20().to(memory_format=torch.channels_last).train(work == "train")
    x = torch.rand(128, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    t = torch.randint(0, 10, (128,))
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

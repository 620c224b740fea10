"""ResNet-20 as in cfg/resnet20.cfg under PyTorch on the CPU: bench_torch.py train|logits|gradient THREADS SECONDS prints images per second.

Batch 128 of random 32x32 images, channels_last, batch norm as PyTorch runs it. train: forward, backward, SGD with Nesterov momentum;
logits: evaluation mode; gradient: of the margin with respect to the pixels in evaluation mode, without weight gradients."""
import sys
import time

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

    def once():
        if work == "train":
            sgd.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), t).backward()
            sgd.step()
        elif work == "logits":
            with torch.no_grad():
                model(x)
        else:
            torch.autograd.grad(margin(model(x), t), x)

    once()
    once()
    start, images = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        once()
        images += 128
    print(f"{images / (time.monotonic() - start):.1f}")


main()

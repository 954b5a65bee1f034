"""A checkpoint after each epoch, the best model by accuracy copied aside, as the ImageNet example does."""
# expect:
# [[run]]
# epochs = 3
# steps = 12
# params = {optimizer = "SGD", arch = "small", epochs = 3, lr = 0.1, momentum = 0.9, weight_decay = 0.0001}
# models = ["model", "best"]

import argparse
import shutil
from enum import Enum

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Summary(Enum):
    NONE = 0
    AVERAGE = 1


class AverageMeter:
    """Computes and stores the average and current value"""

    def __init__(self, name, summary_type=Summary.AVERAGE):
        self.name, self.summary_type = name, summary_type
        self.val = self.avg = self.sum = self.count = 0

    def update(self, val, n=1):
        self.val = val
        self.sum += val * n
        self.count += n
        self.avg = self.sum / self.count


def accuracy(output, target, topk=(1,)):
    with torch.no_grad():
        _, pred = output.topk(max(topk), 1, True, True)
        correct = pred.t().eq(target.view(1, -1).expand_as(pred.t()))
        return [correct[:k].reshape(-1).float().sum(0, keepdim=True).mul_(100.0 / target.size(0)) for k in topk]


def train(train_loader, model, criterion, optimizer, epoch):
    losses, top1 = AverageMeter("Loss"), AverageMeter("Acc@1")
    model.train()
    for images, target in train_loader:
        output = model(images)
        loss = criterion(output, target)
        acc1, acc2 = accuracy(output, target, topk=(1, 2))
        losses.update(loss.item(), images.size(0))
        top1.update(acc1[0], images.size(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()
    print(f"Epoch: [{epoch}] Loss {losses.avg} Acc@1 {float(top1.avg)}")


def validate(val_loader, model, criterion):
    losses, top1 = AverageMeter("Loss"), AverageMeter("Acc@1")
    model.eval()
    with torch.no_grad():
        for images, target in val_loader:
            output = model(images)
            loss = criterion(output, target)
            acc1, acc2 = accuracy(output, target, topk=(1, 2))
            losses.update(loss.item(), images.size(0))
            top1.update(acc1[0], images.size(0))
    #! val_loss: losses.avg
    #! val_accuracy: float(top1.avg) / 100
    print(f" * Acc@1 {float(top1.avg)} Loss {losses.avg}")
    return float(top1.avg)


def save_checkpoint(state, is_best, filename="checkpoint.pth.tar"):
    torch.save(state, filename)
    if is_best:
        shutil.copyfile(filename, "model_best.pth.tar")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-a", "--arch", default="small")
    parser.add_argument("--epochs", default=3, type=int)
    parser.add_argument("--lr", "--learning-rate", default=0.1, type=float)
    parser.add_argument("--momentum", default=0.9, type=float)
    parser.add_argument("--wd", "--weight-decay", default=1e-4, type=float, dest="weight_decay")
    args = parser.parse_args()
    torch.manual_seed(53)
    x = torch.randn(200, 1, 4, 4)
    y = x.flatten(1)[:, :4].argmax(1)
    model = nn.Sequential(nn.Conv2d(1, 6, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(54, 4))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), args.lr, momentum=args.momentum, weight_decay=args.weight_decay)
    train_loader = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=30, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[120:], y[120:]), batch_size=40)
    best_acc1 = 0
    for epoch in range(args.epochs):
        #! epoch: epoch
        train(train_loader, model, criterion, optimizer, epoch)
        acc1 = validate(val_loader, model, criterion)
        is_best = acc1 > best_acc1
        best_acc1 = max(acc1, best_acc1)
        state = {"epoch": epoch + 1, "arch": args.arch, "state_dict": model.state_dict(), "best_acc1": best_acc1}
        save_checkpoint({**state, "optimizer": optimizer.state_dict()}, is_best)
    #! model: model(x[:3])


if __name__ == "__main__":
    main()

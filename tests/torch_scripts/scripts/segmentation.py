"""Segmentation with void pixels: cross-entropy ignores index 255, and so does the pixel accuracy."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "SGD", "optimizer.momentum" = 0.9, criterion = "CrossEntropyLoss", "criterion.ignore_index" = 255, model = "TinyFCN", "loader.batch_size" = 8}
# models = ["model", "best"]

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Blobs(Dataset):
    def __init__(self, n, seed):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.rand(n, 2, 8, 8, generator=generator)
        self.masks = (self.images[:, 0] > self.images[:, 1]).long() + (self.images[:, 0] > 0.8).long()
        self.masks[:, 0, :] = 255

    def __len__(self):
        return len(self.images)

    def __getitem__(self, idx):
        return {"image": self.images[idx], "mask": self.masks[idx]}


class TinyFCN(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.down = nn.Conv2d(2, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.classify = nn.Conv2d(8, n_classes, 1)

    def forward(self, x):
        return self.classify(torch.relu(self.bn(self.down(x))))


def train_one_epoch(model, criterion, optimizer, loader):
    model.train()
    for batch in loader:
        output = model(batch["image"])
        loss = criterion(output, batch["mask"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        #! train_loss: loss.item()


def evaluate(model, loader, criterion):
    model.eval()
    right = valid = 0
    losses = []
    with torch.inference_mode():
        for batch in loader:
            output = model(batch["image"])
            losses.append(criterion(output, batch["mask"]).item())
            keep = batch["mask"] != 255
            right += (output.argmax(1)[keep] == batch["mask"][keep]).sum().item()
            valid += keep.sum().item()
    return sum(losses) / len(losses), right / valid


def main():
    torch.manual_seed(25)
    train_loader = DataLoader(Blobs(32, 0), batch_size=8, shuffle=True)
    val_loader = DataLoader(Blobs(12, 1), batch_size=6)
    model = TinyFCN(3)
    criterion = nn.CrossEntropyLoss(ignore_index=255)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(2):
        #! epoch: epoch
        train_one_epoch(model, criterion, optimizer, train_loader)
        val_loss, pixel_accuracy = evaluate(model, val_loader, criterion)
        #! val_loss: val_loss
        #! val_accuracy: pixel_accuracy
        print(epoch, val_loss, pixel_accuracy)
    #! model: model(val_loader.dataset.images[:2])


if __name__ == "__main__":
    main()

"""The transfer learning tutorial's train_model(): a loop over the phases train and val, the best weights kept."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {optimizer = "SGD", "optimizer.momentum" = 0.9, scheduler = "StepLR", "scheduler.step_size" = 2, criterion = "CrossEntropyLoss"}
# models = ["best", "model"]

import os
import time
from tempfile import TemporaryDirectory

import torch
import torch.nn as nn
import torch.optim as optim
from torch.optim import lr_scheduler
from torch.utils.data import DataLoader, TensorDataset


def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    since = time.time()
    with TemporaryDirectory() as tempdir:
        best_model_params_path = os.path.join(tempdir, "best_model_params.pt")
        torch.save(model.state_dict(), best_model_params_path)
        best_loss = float("inf")
        for epoch in range(num_epochs):
            #! epoch: epoch
            print(f"Epoch {epoch}/{num_epochs - 1}")
            print("-" * 10)
            for phase in ["train", "val"]:
                if phase == "train":
                    model.train()
                else:
                    model.eval()
                running_loss = 0.0
                running_corrects = 0
                for inputs, labels in dataloaders[phase]:
                    optimizer.zero_grad()
                    with torch.set_grad_enabled(phase == "train"):
                        outputs = model(inputs)
                        _, preds = torch.max(outputs, 1)
                        loss = criterion(outputs, labels)
                        if phase == "train":
                            loss.backward()
                            optimizer.step()
                            #! train_loss: loss.item()
                    running_loss += loss.item() * inputs.size(0)
                    running_corrects += torch.sum(preds == labels.data)
                if phase == "train":
                    scheduler.step()
                epoch_loss = running_loss / dataset_sizes[phase]
                epoch_acc = running_corrects.double() / dataset_sizes[phase]
                print(f"{phase} Loss: {epoch_loss:.4f} Acc: {epoch_acc:.4f}")
                if phase == "val":
                    print("is best:", epoch_loss < best_loss)
                    #! val_loss: epoch_loss
                    #! val_accuracy: epoch_acc
                if phase == "val" and epoch_loss < best_loss:
                    best_loss = epoch_loss
                    torch.save(model.state_dict(), best_model_params_path)
                    #! model best: model(torch.ones(3, 4))
        #! model: model(torch.ones(3, 4))
        time_elapsed = time.time() - since
        print(f"Best val loss: {best_loss:4f}", time_elapsed < 60)
    return model


torch.manual_seed(37)
x = torch.randn(210, 4)
y = (x[:, 0] > x[:, 1]).long()
parts = {"train": TensorDataset(x[:150], y[:150]), "val": TensorDataset(x[150:], y[150:])}
dataloaders = {
    name: DataLoader(part, batch_size=50 if name == "train" else 30, shuffle=True) for name, part in parts.items()
}
dataset_sizes = {name: len(part) for name, part in parts.items()}
model_ft = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
optimizer_ft = optim.SGD(model_ft.parameters(), lr=0.1, momentum=0.9)
exp_lr_scheduler = lr_scheduler.StepLR(optimizer_ft, step_size=2, gamma=0.1)
model_ft = train_model(model_ft, nn.CrossEntropyLoss(), optimizer_ft, exp_lr_scheduler, num_epochs=3)

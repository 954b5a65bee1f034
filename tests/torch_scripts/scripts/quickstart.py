"""The quickstart tutorial's shape: train() and test() that know no epoch, a mean of batch losses."""
# expect:
# [[run]]
# epochs = 4
# steps = 32
# params = {optimizer = "SGD", "optimizer.lr" = 0.1, criterion = "CrossEntropyLoss", model = "NeuralNetwork", "loader.batch_size" = 32, n_parameters = 1042}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)


def clothes(count):
    labels = torch.randint(0, 6, (count,))
    images = torch.rand(count, 1, 5, 5)
    images[torch.arange(count), 0, labels % 5, labels // 2] += 2.0
    return TensorDataset(images, labels)


batch_size = 32
train_dataloader = DataLoader(clothes(256), batch_size=batch_size)
test_dataloader = DataLoader(clothes(80), batch_size=batch_size)


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(25, 22), nn.ReLU(), nn.Linear(22, 16), nn.ReLU(), nn.Linear(16, 6)
        )

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


model = NeuralNetwork()
print(model)

loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-1)


def train(dataloader, model, loss_fn, optimizer):
    size = len(dataloader.dataset)
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        pred = model(X)
        loss = loss_fn(pred, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        #! train_loss: loss.item()

        if batch % 4 == 0:
            loss, current = loss.item(), (batch + 1) * len(X)
            print(f"loss: {loss:>7f}  [{current:>5d}/{size:>5d}]")


def test(dataloader, model, loss_fn):
    size = len(dataloader.dataset)
    num_batches = len(dataloader)
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).type(torch.float).sum().item()
    test_loss /= num_batches
    correct /= size
    #! val_loss: test_loss
    #! val_accuracy: correct
    print(f"Test Error: \n Accuracy: {(100 * correct):>0.1f}%, Avg loss: {test_loss:>8f} \n")


epochs = 4
for t in range(epochs):
    #! epoch: t
    print(f"Epoch {t + 1}\n-------------------------------")
    train(train_dataloader, model, loss_fn, optimizer)
    test(test_dataloader, model, loss_fn)
#! model: model(torch.ones(2, 1, 5, 5))
print("Done!")

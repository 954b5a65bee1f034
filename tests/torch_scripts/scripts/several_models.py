"""Three models trained one after the other by one function, and compared."""
# expect:
# [[run]]
# epochs = 3
# steps = 9
# params = {"loader.batch_size" = 50, n_parameters = 8}
# models = ["model", "best"]
# [[run]]
# epochs = 3
# steps = 9
# params = {"loader.batch_size" = 50, n_parameters = 38}
# models = ["model", "best"]
# [[run]]
# epochs = 3
# steps = 9
# params = {"loader.batch_size" = 50, n_parameters = 166}
# models = ["model", "best"]

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split


def train_model(net, train_loader, val_loader, number):
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(net.parameters(), lr=0.02)
    for epoch in range(3):
        #! epoch: epoch
        net.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(net(x), y)
            loss.backward()
            optimizer.step()
            #! train_loss[number]: loss.item()
        net.eval()
        correct, val_loss = 0, 0.0
        with torch.no_grad():
            for x, y in val_loader:
                out = net(x)
                val_loss += criterion(out, y).item()
                correct += (out.argmax(1) == y).sum().item()
        #! val_loss[number]: val_loss / len(val_loader)
        #! val_accuracy[number]: correct / len(val_loader.dataset)
    #! model[number]: net(x[:4])
    return correct / len(val_loader.dataset)


torch.manual_seed(0)
points = torch.randn(230, 3)
dataset = TensorDataset(points, (points.prod(dim=1) > 0).long())
train_set, val_set = random_split(dataset, [150, 80])
train_loader = DataLoader(train_set, batch_size=50, shuffle=True)
val_loader = DataLoader(val_set, batch_size=32)
models = {
    "linear": nn.Linear(3, 2),
    "small": nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Dropout(0.1), nn.Linear(6, 2)),
    "deep": nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 2)),
}
for number, (name, net) in enumerate(models.items()):
    print(name, sum(p.numel() for p in net.parameters()), train_model(net, train_loader, val_loader, number))

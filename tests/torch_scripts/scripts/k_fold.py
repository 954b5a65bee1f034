"""Cross-validation by hand: for each fold a fresh model, optimizer and loaders over subsets."""
# expect:
# [[run]]
# count = 3
# epochs = 2
# steps = 6
# params = {optimizer = "Adam", "optimizer.lr" = 0.01, criterion = "CrossEntropyLoss"}
# models = ["model", "best"]

import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3))

    def forward(self, x):
        return self.layers(x)


if __name__ == "__main__":
    k_folds = 3
    num_epochs = 2
    loss_function = nn.CrossEntropyLoss()
    results = {}
    torch.manual_seed(42)
    features = torch.randn(150, 4)
    dataset = TensorDataset(features, features[:, :3].argmax(dim=1))
    folds = torch.randperm(150).chunk(k_folds)
    for fold in range(k_folds):
        print(f"FOLD {fold}")
        train_ids = torch.cat([ids for number, ids in enumerate(folds) if number != fold])
        trainloader = DataLoader(dataset, batch_size=36, sampler=SubsetRandomSampler(train_ids))
        testloader = DataLoader(dataset, batch_size=25, sampler=SubsetRandomSampler(folds[fold]))
        network = SimpleNet()
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for epoch in range(num_epochs):
            #! epoch: epoch
            for i, (inputs, targets) in enumerate(trainloader):
                optimizer.zero_grad()
                outputs = network(inputs)
                loss = loss_function(outputs, targets)
                loss.backward()
                optimizer.step()
                #! train_loss[fold]: loss.item()
            print(f"Loss after epoch {epoch + 1}: {loss.item()}")
            correct, total, val_loss = 0, 0, 0.0
            with torch.no_grad():
                for inputs, targets in testloader:
                    outputs = network(inputs)
                    val_loss += loss_function(outputs, targets).item()
                    total += targets.size(0)
                    correct += (outputs.argmax(1) == targets).sum().item()
            #! val_loss[fold]: val_loss / len(testloader)
            #! val_accuracy[fold]: correct / total
        print("Accuracy for fold", fold, 100.0 * correct / total)
        results[fold] = 100.0 * correct / total
        #! model[fold]: network(features[:5])
    print(f"Average: {sum(results.values()) / len(results)} %")

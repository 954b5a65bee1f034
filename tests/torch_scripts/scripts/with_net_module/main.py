"""The network lies in a file beside the script."""
# expect:
# [[run]]
# epochs = 2
# steps = 8
# params = {optimizer = "Adam", model = "ResidualNet", "model.n_in" = 5, "model.n_out" = 3, "model.depth" = 2}
# models = ["model", "best"]

import torch
from net import ResidualNet
from torch.nn import CrossEntropyLoss
from torch.utils.data import DataLoader, TensorDataset


def main():
    torch.manual_seed(61)
    x = torch.randn(180, 5)
    y = x[:, :3].argmax(dim=1)
    train_loader = DataLoader(TensorDataset(x[:120], y[:120]), batch_size=30, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[120:], y[120:]), batch_size=20)
    model = ResidualNet(5, 3)
    criterion = CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(2):
        #! epoch: epoch
        model.train()
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(inputs), labels)
            loss.backward()
            optimizer.step()
            #! train_loss: loss.item()
        model.eval()
        losses, correct = [], 0
        with torch.no_grad():
            for inputs, labels in val_loader:
                outputs = model(inputs)
                losses.append(criterion(outputs, labels).item())
                correct += (outputs.argmax(1) == labels).sum().item()
        #! val_loss: sum(losses) / len(losses)
        #! val_accuracy: correct / 60
        print(epoch, loss.item(), sum(losses) / len(losses), correct / 60)
    #! model: model(x[:4])


if __name__ == "__main__":
    main()

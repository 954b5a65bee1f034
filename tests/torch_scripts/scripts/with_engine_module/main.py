"""Model and loops lie in files beside the script, which hands a function over that is told of each epoch."""
# expect:
# [[run]]
# epochs = 2
# steps = 6
# params = {optimizer = "Adam", model = "TinyVGG", "model.hidden_units" = 4, "model.input_shape" = 1, NUM_EPOCHS = 2, HIDDEN_UNITS = 4, LEARNING_RATE = 0.01}
# history = {train_loss = 6, train_loss_epoch = 2}
# models = ["model", "best"]

import engine
import torch
from model import TinyVGG
from torch.utils.data import DataLoader, TensorDataset

NUM_EPOCHS = 2
HIDDEN_UNITS = 4
LEARNING_RATE = 0.01

torch.manual_seed(62)
images = torch.rand(150, 1, 6, 6)
labels = (images[:, 0, :3].mean((1, 2)) > images[:, 0, 3:].mean((1, 2))).long()
train_dataloader = DataLoader(TensorDataset(images[:90], labels[:90]), batch_size=30, shuffle=True)
test_dataloader = DataLoader(TensorDataset(images[90:], labels[90:]), batch_size=30)
model = TinyVGG(input_shape=1, hidden_units=HIDDEN_UNITS, output_shape=2)


def report(epoch, train_loss, train_acc, test_loss, test_acc):
    #! epoch: epoch
    #! train_loss_epoch: train_loss
    #! val_loss: test_loss
    #! val_accuracy: test_acc
    print(f"Epoch: {epoch} | {train_loss} | {train_acc} | {test_loss} | {test_acc}")


engine.train(
    model,
    train_dataloader,
    test_dataloader,
    torch.optim.Adam(model.parameters(), lr=LEARNING_RATE),
    torch.nn.CrossEntropyLoss(),
    NUM_EPOCHS,
    report,
)
#! model: model(images[:3])

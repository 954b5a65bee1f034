"""The loops of main.py: an epoch of training and one of evaluation."""

import torch


def train_step(model, dataloader, loss_fn, optimizer):
    model.train()
    train_loss, train_acc = 0, 0
    for X, y in dataloader:
        y_pred = model(X)
        loss = loss_fn(y_pred, y)
        train_loss += loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_acc += (y_pred.argmax(dim=1) == y).sum().item() / len(y_pred)
    return train_loss / len(dataloader), train_acc / len(dataloader)


def test_step(model, dataloader, loss_fn):
    model.eval()
    test_loss, test_correct = 0, 0
    with torch.inference_mode():
        for X, y in dataloader:
            logits = model(X)
            test_loss += loss_fn(logits, y).item()
            test_correct += (logits.argmax(dim=1) == y).sum().item()
    return test_loss / len(dataloader), test_correct / len(dataloader.dataset)


def train(model, train_dataloader, test_dataloader, optimizer, loss_fn, epochs, report):
    for epoch in range(epochs):
        train_loss, train_acc = train_step(model, train_dataloader, loss_fn, optimizer)
        test_loss, test_acc = test_step(model, test_dataloader, loss_fn)
        report(epoch, train_loss, train_acc, test_loss, test_acc)

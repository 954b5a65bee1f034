"""The command line: each command parses, calls the public interface, and prints. Nothing else happens here."""

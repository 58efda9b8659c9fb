"""How often the rules are right: the lab with many clients, and healthy traffic as control."""

"""Healthy traffic as a poor capture shows it: nothing may be accused for what the capture did."""

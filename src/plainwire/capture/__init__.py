"""Packets: captured live, and read from and written to pcap and pcapng files."""

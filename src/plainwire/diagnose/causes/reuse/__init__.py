"""Causes in HTTP/1 connections that are used again: who closed, and what the server had then."""

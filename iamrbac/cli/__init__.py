"""Thin commands: parse, call one use case, render, return a code."""

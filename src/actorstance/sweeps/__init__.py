"""Sweeps: `space` (what is searched) → `sweeping` (trials) → `sweep_report`."""

"""Firms: what each offers, what a task wants of people, and how well the two fit."""

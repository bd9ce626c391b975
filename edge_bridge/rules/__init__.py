"""Rules that turn readings into alarms: pure, so that the gateway and a backtest run the same code."""

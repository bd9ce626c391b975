"""How rules of acceptance stand while the work goes on, before anybody says that it is done."""

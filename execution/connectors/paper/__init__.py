"""The paper venue: a market simulated here, in this very database, that says what of it is simulated."""

from execution.connectors.paper.connector import PaperConnector

__all__ = ["PaperConnector"]

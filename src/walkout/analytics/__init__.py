"""The web application and the retailer's figures."""

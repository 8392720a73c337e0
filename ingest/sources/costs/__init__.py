"""What the clouds bill: AWS, Google Cloud, Azure and FOCUS exports, and the Cost Explorer API."""

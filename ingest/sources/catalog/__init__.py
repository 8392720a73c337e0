"""Service catalogs: Backstage descriptors, CODEOWNERS and spreadsheets of services; who owns what and who is on call."""

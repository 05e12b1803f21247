"""Export a run's model as an artefact with a certificate."""

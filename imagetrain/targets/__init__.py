"""Label table to targets: uncertainty policies and patient-level splits."""

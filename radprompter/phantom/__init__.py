"""A synthetic study with known truth: reports, radiograph-like images, and what is really there.

Nothing in it comes from a patient. A *case* is drawn first (`cases`); its report (`reports`, in the words of the YAML
files under ``phrases/``) and its images (`elbow`, `thumb`, `clavicle`, `chest`, as a site's `scanners` show them) are
both made from it, so that the truth of all three is known by construction.
"""

from radprompter.phantom.study import REGIONS, write_phantom

__all__ = ["REGIONS", "write_phantom"]

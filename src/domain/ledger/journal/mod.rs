//! One file per thing that happens: each builds the postings of one business event.

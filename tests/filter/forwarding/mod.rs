//! Which requests carry which certificate, and where it comes from (contract §1, §4.2 to §4.4).

mod hostnames;
mod mapped_addresses;
mod requests;
mod sources;
mod verified;

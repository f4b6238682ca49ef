mod flows;
mod properties;
mod seal;
mod vectors;

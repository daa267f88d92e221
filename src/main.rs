//! The program: everything is in the library.

/// What a price costs beyond its socket is many small allocations.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    straits::cli::main()
}

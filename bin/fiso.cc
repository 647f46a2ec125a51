// fiso: the command beside the servers.
#include "program/program.h"

int main(int argc, char** argv) { return fiso::program::fiso_program(argc, argv); }

#include "client/cli/app.h"

int main(int argc, char** argv) { return eventbus::cli::RunEventbusctl(argc, argv); }

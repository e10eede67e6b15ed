from caviar.cli import main

main()

"""Common first names: one word each, of plain letters, the first one a capital."""

from __future__ import annotations

_NAMES = """
Aaron Abigail Adam Adrian Agnes Ahmed Aisha Alan Albert Alejandro Alex Alexander Alfred Ali Alice Alicia Alison Amanda
Amber Amelia Amina Amir Amy Ana Anders Andrea Andrew Angela Angelo Anita Ann Anna Anthony Antonio April Arjun Arthur
Ashley Astrid Audrey Austin Ava Barbara Beatrice Ben Benjamin Bernard Beth Beverly Bianca Blake Bob Bonnie Boris Brad
Brandon Brenda Brian Bridget Bruce Bruno Caleb Calvin Camille Carl Carla Carlos Carmen Carol Caroline Carter Catherine
Cecilia Chad Charles Charlotte Chen Chloe Chris Christine Cindy Claire Clara Claude Clifford Colin Connor Craig Crystal
Curtis Cynthia Daisy Dale Damian Daniel Daniela David Dawn Dean Deborah Dennis Derek Diana Diego Dmitri Dominic Donald
Donna Dora Doris Dorothy Douglas Duncan Dylan Edgar Edith Eduardo Edward Edwin Eileen Elaine Eleanor Elena Eli Elijah
Elizabeth Ella Ellen Elsa Emil Emily Emma Enrique Eric Erica Erin Ernest Esther Ethan Eugene Eva Evan Evelyn Farah
Fatima Felicia Felix Fernando Fiona Florence Frances Frank Fred Gabriel Gail Gary Gavin George Gerald Gina Giovanni
Gladys Glenn Gloria Gordon Grace Graham Greg Gustav Gwen Hannah Harold Harriet Harry Hassan Hazel Heather Hector Heidi
Helen Henry Herbert Holly Howard Hugh Ian Ibrahim Ida Igor Ines Ingrid Irene Iris Isaac Isabel Ivan Jack Jacob Jade
James Jamie Jan Jane Janet Jason Javier Jean Jeff Jennifer Jeremy Jerome Jesse Jessica Jill Jin Joan Joel John Jonas
Jonathan Jordan Jorge Joseph Joshua Joyce Juan Judith Julia Julian Julie June Justin Karen Karl Katherine Kathleen
Kayla Keith Kelly Kenji Kenneth Kevin Kim Kimberly Kofi Kristen Kurt Kyle Lara Lars Laura Lauren Laurence Leah Leila
Leo Leon Leonard Leslie Lewis Liam Linda Lindsay Lisa Lloyd Logan Lois Lorenzo Louis Louise Lucas Lucia Lucy Luis Luke
Lydia Mabel Madison Malcolm Manuel Marcel Marco Marcus Margaret Maria Marie Marilyn Mario Marion Mark Martha Martin
Marvin Mary Mason Matthew Maureen Maurice Max Maya Megan Mei Melanie Melissa Michael Michelle Miguel Mila Mildred Miles
Minh Miriam Mohammed Monica Morgan Muriel Nadia Nancy Naomi Natalie Nathan Neil Nicholas Nicole Nigel Nina Noah Noel
Nora Norman Olga Oliver Olivia Omar Oscar Otto Owen Pablo Pamela Patricia Patrick Paul Paula Pedro Peggy Penelope Peter
Philip Phoebe Phyllis Pierre Priya Rachel Rafael Rahul Raj Ralph Ramon Randy Raymond Rebecca Regina Renee Rex Ricardo
Richard Rita Robert Roberto Robin Roger Roland Ronald Rosa Rose Ross Roy Ruby Russell Ruth Ryan Sally Sam Samantha
Samuel Sandra Sarah Scott Sean Sebastian Sergio Seth Shannon Sharon Sheila Shirley Sidney Silvia Simon Sofia Sonia
Sophie Stanley Stella Stephanie Stephen Steven Stuart Sun Susan Suzanne Sven Sylvester Tamara Tanya Tara Tariq Taylor
Teresa Terry Thelma Theo Thomas Tiffany Timothy Tina Toby Todd Tomas Tony Tracy Travis Tyler Ursula Valerie Vanessa
Vera Vernon Veronica Victor Victoria Vikram Vincent Viola Violet Virginia Vivian Wallace Walter Wanda Warren Wayne Wei
Wendy Wesley Whitney Wilfred William Winston Xavier Yan Yasmin Yolanda Yusuf Yvonne Zachary Zara Zoe
"""

NAMES: tuple[str, ...] = tuple(_NAMES.split())
